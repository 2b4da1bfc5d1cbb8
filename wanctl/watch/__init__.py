"""The GitOps loop: fetch, plan, decide, apply, tell; and what it shows of itself. The room of `wanctl watch`."""
