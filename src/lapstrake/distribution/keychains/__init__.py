"""Credentials that a cloud gives to the machine, container or account a program runs as."""
