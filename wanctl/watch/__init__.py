"""The GitOps loop of `wanctl watch`: fetch, plan, decide, apply, tell; and what it shows of itself."""
