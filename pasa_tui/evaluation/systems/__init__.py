"""Systems that answer benchmark questions: our agent and the baselines it is compared with."""
