"""Modems that misbehave on demand, the mobile network behind them and a small SIP phone; standard library only."""
