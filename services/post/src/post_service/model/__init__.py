"""The words and rules of media, posts, comments and who may see them."""
