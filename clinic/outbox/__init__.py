"""What is still to be brought to other computers, kept until it is there or someone gives up."""
