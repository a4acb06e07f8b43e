/** The version in `package.json`, which a test compares. */
export const VERSION = "0.1.0";

/** The `user-agent` of every call to a receiver or a provider. The page describes how webhooks are verified. */
export const USER_AGENT = `ackwire/${VERSION} (+https://www.npmjs.com/package/@ackwire/client)`;
