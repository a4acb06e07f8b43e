import { Failure } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { ProviderId } from "../contracts/providers.ts";
import type { ProviderHttp } from "../core/ports.ts";

/** One deadline from the name's resolution to the last byte. */
const DEADLINE_MS = 5_000;

/** Calls a provider's API over HTTPS, at the address that this deployment has for it. */
export function makeFetchProviderHttp(options: {
  baseUrls: Readonly<Record<ProviderId, string>>;
}): ProviderHttp {
  return {
    async call(provider, { method, path, headers, body }) {
      try {
        const response = await fetch(`${options.baseUrls[provider].replace(/\/$/, "")}${path}`, {
          method,
          headers: { ...headers, "content-type": "application/json" },
          redirect: "error",
          signal: AbortSignal.timeout(DEADLINE_MS),
          ...(body === undefined ? {} : { body }),
        });
        return { status: response.status, body: await readLimited(response) };
      } catch (cause) {
        const kind = cause instanceof Error ? cause.name : "unknown error";
        throw new Failure("DEPENDENCY_DOWN", `${provider} gave no answer: ${kind}`, { cause });
      }
    },
  };
}

async function readLimited(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limits.maxAnswerBytes)
      throw new Error(`the answer is over ${limits.maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
