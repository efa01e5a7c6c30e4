"""What other systems are told of what is published: events of returns, refunds, claims and work to do."""
