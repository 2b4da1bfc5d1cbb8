"""Model Studio over HTTP: a typed async client, and nothing that decides.

`objects` and `errors` are plain values that anybody may import; `client` is the door to the network.
Nothing is imported here, so that reading a type does not load an HTTP library.
"""
