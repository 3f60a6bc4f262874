"""Session-level PPO (arXiv 2501.10120, section 4.2): sessions and their rewards, the loss, the models, the loop."""
