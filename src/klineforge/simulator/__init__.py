"""A demo exchange on the loopback interface: Binance's protocol in front of a simulated, clearly fictitious market."""
