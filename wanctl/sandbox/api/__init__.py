"""The endpoints: routes, answers, and the gate that every request passes."""
