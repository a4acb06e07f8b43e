import { afterEach, expect, test, vi } from "vitest";
import { targetOf } from "../../cli/target.ts";

afterEach(() => vi.unstubAllEnvs());

test("A stack that cannot be read is named, with what to check and the way to the local run", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
  vi.stubEnv("AWS_REGION", "eu-west-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_MAX_ATTEMPTS", "1");
  await expect(targetOf({ local: false, stack: "ackwire-prod" })).rejects.toThrow(
    /ackwire-prod cannot be read: check .*region.*--local/,
  );
});
