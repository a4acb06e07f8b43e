import { randomBytes } from "node:crypto";

/** Returns that many bytes of a cryptographic random source as hex. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString("hex");
