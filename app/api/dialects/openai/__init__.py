"""OpenAI's interface of images, as its clients use it."""
