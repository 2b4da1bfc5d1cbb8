"""Pictures and clips: archives read, previews drawn, what a picture looks like."""
