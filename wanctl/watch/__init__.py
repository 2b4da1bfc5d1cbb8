"""The GitOps loop of `wanctl watch`: fetch, plan, decide, apply, report; and its status page."""
