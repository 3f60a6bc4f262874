"""What language models are asked, in words."""
