"""What the network of landmarks gets wrong, learnt from pictures of made-up people."""
