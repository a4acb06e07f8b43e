import { functionEnv } from "../shared/contracts/env.ts";
import { providerId } from "../shared/contracts/providers.ts";

/** The form of `providerBaseUrls`: a URL for every provider. */
export const baseUrlsForm = `{${providerId.options.map((id) => `"${id}":URL`).join(",")}}`;

/** Whether it is a clock whose time passes: only `@ackwire/testing` stops one, in the functions' variables. */
export function isBusinessClock(value: string): boolean {
  const { data } = functionEnv.ingest.shape.BUSINESS_CLOCK.safeParse(value);
  return data !== undefined && data.speed > 0;
}

export const isWebhookTargets = (value: string): boolean =>
  functionEnv.deliver.shape.WEBHOOK_TARGETS.safeParse(value).success;

/** Returns the URLs, or `undefined` where they do not match the contract. */
export function readBaseUrls(value: string): string[] | undefined {
  const read = functionEnv.consume.shape.PROVIDER_BASE_URLS.safeParse(value);
  const urls = read.success ? Object.values(read.data) : [];
  return urls.length > 0 && urls.every((url) => /^https?:\/\/[^?#]*[^/?#]$/.test(url))
    ? urls
    : undefined;
}
