"""`python -m infra.rabbitmq http://user:password@host:15672`, or without an address to print the definitions."""

import argparse
import sys

import httpx

from infra.rabbitmq import apply, definitions


def main() -> None:
    parser = argparse.ArgumentParser("python -m infra.rabbitmq", description="Set the broker's policies.")
    parser.add_argument("url", nargs="?", help="of the management API; without it the definitions are printed")
    parser.add_argument("--vhost", default="/")
    args = parser.parse_args()
    if args.url is None:
        print(definitions(args.vhost))
        return
    try:
        print("\n".join(apply(args.url, args.vhost)))
    except httpx.HTTPStatusError as error:
        sys.exit(f"marquee: the broker refused: {error.response.status_code} {error.response.text}")
    except httpx.HTTPError as error:
        sys.exit(f"marquee: the broker's management API cannot be reached: {error}")


if __name__ == "__main__":
    main()
