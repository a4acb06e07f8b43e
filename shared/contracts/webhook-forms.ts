import * as z from "zod/mini";

/** `thin` leaves out `data.result`, which the receiver then fetches. */
export const payloadMode = z.enum(["fat", "thin"]);
export type PayloadMode = z.output<typeof payloadMode>;

/**
 * How a webhook format that signs inside the body writes its member `hash`. `python` and `php`
 * sign the text that a receiver gets who parses the body and serialises it again in that language.
 */
export const hashFormat = z.enum(["hmac-hex", "jwt", "python", "php"]);
export type OutboundHashFormat = z.output<typeof hashFormat>;

/**
 * How a provider may have serialised the text that it signed by a member `hash`
 * of its body, in the order in which the forms are tried.
 */
export const hashForm = z.enum(["raw", "json", "python", "jwt"]);
export type InboundHashForm = z.output<typeof hashForm>;
