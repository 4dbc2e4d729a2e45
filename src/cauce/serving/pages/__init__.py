"""The pages of the app, a router a file, all in the frame of `cauce.serving.pages.shell`."""
