"""`python -m web --api http://127.0.0.1:8090 --bind 127.0.0.1:8080`."""

from __future__ import annotations

import argparse

from web.serve import serve


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m web", description="The panel of simbridge.")
    parser.add_argument("--api", default="http://127.0.0.1:8090", help="where the daemon's API is")
    parser.add_argument("--bind", default="127.0.0.1:8080", help="host:port; the host may be lan")
    parser.add_argument("--host", action="append", default=[], help="a further name the panel may be called by")
    arguments = parser.parse_args()
    serve(api_url=arguments.api, bind=arguments.bind, hosts=frozenset(name.lower() for name in arguments.host))


if __name__ == "__main__":
    main()
