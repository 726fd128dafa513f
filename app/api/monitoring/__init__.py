"""What is seen of the service from outside: counters, gauges and times, in the words of Prometheus."""
