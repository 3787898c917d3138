"""What a user would pick instead of the bridge: the same topics for the same terminals, kept short. Yardsticks, not products.

Each is started with the port that terminals connect to and the broker's, and prints `ready` when it serves them.
"""
