"""Images and films that are not read, or only with an extra, and the way out."""

from __future__ import annotations

from gannet.modalities.image.io.files import HEIC, OPTIONAL, SUFFIXES

UNREAD: dict[str, tuple[str, str]] = {
    **dict.fromkeys(HEIC, ("HEIC photos", "To read them: pip install 'gannet-gan[heic]'")),
    **dict.fromkeys(OPTIONAL, ("images that this Pillow cannot read", "Install Pillow's wheel.")),
    **dict.fromkeys(
        (".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"),
        ("raw photos", "Develop them to TIFF or JPEG."),
    ),
    ".psd": ("a Photoshop file", "Export it as PNG or TIFF."),
    ".exr": ("OpenEXR", "Convert it to TIFF or PNG."),
    ".hdr": ("Radiance HDR", "Convert it to TIFF or PNG."),
    ".jxl": ("JPEG XL", "Convert it to PNG, for instance with `djxl`."),
    ".ico": ("an icon", "Save it as PNG."),
    **dict.fromkeys(
        (".mp4", ".avi", ".mov", ".mkv", ".webm"),
        ("a film", "Save its frames as images, for instance with `ffmpeg -i FILE %06d.png`."),
    ),
    ".dcm": ("DICOM", "Save its pixels as PNG or TIFF of 16 bit, for instance with pydicom."),
    ".nii": ("NIfTI", "Save its slices as PNG or TIFF, or as an array (.npy), with nibabel."),
    ".pdf": ("PDF", "Save its pages as images."),
    ".svg": ("a vector drawing", "Save it as PNG."),
}
"""Suffix -> what such an image is and the remedy, of those that may be unread."""

NOT_READ = {suffix: remedy for suffix, remedy in UNREAD.items() if suffix not in SUFFIXES}
"""Those that this installation does not read."""
