"""What stands in front: nginx's configuration, the static pages, the web app."""
