"""Who may join: the terminals known, their secrets and names, and the policy that admits them."""
