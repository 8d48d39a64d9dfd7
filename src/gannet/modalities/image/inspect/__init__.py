"""What folders of images hold and what is wrong with them."""
