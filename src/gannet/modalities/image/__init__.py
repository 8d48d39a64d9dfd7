"""Images: files, codec, augmentation, inspection."""
