"""The server's door: operations over REST with their OpenAPI, blobs, and live notices of every change."""
