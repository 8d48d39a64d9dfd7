"""The settings of a recipe without importing PyTorch, which takes 1.2 s of 1.4.

A recipe's module holds its settings and its networks, and is imported as a whole. Meanwhile an
empty stub replaces PyTorch, as documentation tools do with modules that they only mock; afterwards
every module that saw the stub is removed from ``sys.modules``.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from gannet.core.config import Config
from gannet.recipes.registry import find_recipe

STUBBED = "torch"
"""The package that is replaced by a stub."""

NOT_ENOUGH = (TypeError, AttributeError, ImportError, ValueError, LookupError, ArithmeticError)
"""Errors of a module that needs more of PyTorch than the stub offers."""


class _Empty(type):
    """Metaclass of a stub that can be used as a base, a decorator, a type or a number."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _empty(name)

    def __call__(cls, *args: Any, **options: Any) -> Any:
        if "stands_in" not in cls.__dict__:
            return super().__call__(*args, **options)
        decorates = len(args) == 1 and callable(args[0]) and not isinstance(args[0], type)
        return args[0] if decorates else _empty(cls.__name__)

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def _itself(cls, *_args: object) -> Any:
        return cls

    __getitem__ = __or__ = __ror__ = __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = _itself
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _itself


def _empty(name: str) -> Any:
    return _Empty(name, (), {"stands_in": True})


class _EmptyModule(ModuleType):
    """A module in which every name exists, as a stub."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _empty(name)


class _StandIn(MetaPathFinder, Loader):
    """An import hook that gives an empty module for PyTorch and its submodules."""

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> ModuleSpec | None:
        own = fullname.partition(".")[0] == STUBBED
        return ModuleSpec(fullname, self, is_package=True) if own else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Create an empty module."""
        return _EmptyModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: an empty module has no code."""


@contextmanager
def _stubbed_torch() -> Generator[None]:
    """Import with PyTorch stubbed; afterwards remove every module that saw the stub."""
    finder, before = _StandIn(), set(sys.modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        new_modules = [name for name in sys.modules if name not in before]
        empty = {name for name in new_modules if isinstance(sys.modules[name], _EmptyModule)}
        tainted = {
            name
            for name in new_modules
            if any(
                isinstance(each, _Empty | _EmptyModule)
                for each in _module_values(sys.modules[name])
            )
        }
        # Modules that imported a removed one still hold its stubs, so they are removed too.
        ours = {
            name for name in new_modules if name.partition(".")[0] in {"gannet", *_roots(tainted)}
        }
        for name in empty | tainted | ours:
            del sys.modules[name]


def _module_values(module: ModuleType) -> list[Any]:
    return list(vars(module).values())


def _roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def settings_of(name: str) -> tuple[type[Config], frozenset[str]]:
    """The settings class of a recipe, and the names of settings that have no effect.

    Raises:
        ConfigError: if there is no such recipe.
    """
    if STUBBED in sys.modules:
        recipe = find_recipe(name)
        return recipe.config, recipe.unused
    try:
        with _stubbed_torch():
            recipe = find_recipe(name)
            return recipe.config, recipe.unused
    except NOT_ENOUGH:
        recipe = find_recipe(name)
        return recipe.config, recipe.unused
