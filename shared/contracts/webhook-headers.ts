import * as z from "zod/mini";

/** Headers of framing and routing, which are never a client's to set. */
export const framingHeaders =
  /^(connection|content-.*|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|accept-.*)$/i;

/** Headers that Ackwire sends with every webhook, and those that another sender of Standard Webhooks signs by. */
const ownHeaders = /^(accept|user-agent|webhook-.*|svix-.*)$/i;

export const MAX_WEBHOOK_HEADERS = 20;
/** Names and values together. Common servers accept 8 KB of headers. */
export const MAX_WEBHOOK_HEADER_CHARACTERS = 6_000;

/** A name is a token of RFC 9110, section 5.6.2, that begins with a letter or a digit. */
export const headerName = z.string().check(
  z.regex(/^[A-Za-z0-9][A-Za-z0-9!#$%&'*+.^_`|~-]{0,63}$/, "is not the name of a header"),
  z.refine(
    (name) => !framingHeaders.test(name) && !ownHeaders.test(name),
    "is reserved: it is set by Ackwire",
  ),
);

/** Visible ASCII, with spaces inside only, so that no proxy changes it. */
export const headerValue = z
  .string()
  .check(
    z.regex(
      /^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/,
      "must be 1 to 4,096 printable ASCII characters without a space at either end",
    ),
  );

/** Headers that a client adds to each of its webhooks, by name in any case. */
export const webhookHeaders = z.record(headerName, headerValue).check(
  z.refine((headers) => Object.keys(headers).length > 0, "must name at least one header"),
  z.refine(
    (headers) => Object.keys(headers).length <= MAX_WEBHOOK_HEADERS,
    `has more than ${MAX_WEBHOOK_HEADERS} headers`,
  ),
  z.refine(
    (headers) => Object.entries(headers).flat().join("").length <= MAX_WEBHOOK_HEADER_CHARACTERS,
    `has more than ${MAX_WEBHOOK_HEADER_CHARACTERS} characters`,
  ),
  z.refine((headers) => {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    return new Set(names).size === names.length;
  }, "names a header twice"),
  z.meta({ minProperties: 1, maxProperties: MAX_WEBHOOK_HEADERS }),
);

export type WebhookHeaders = z.output<typeof webhookHeaders>;
