import { expect, test } from "vitest";
import { loadedBytes, loadedFiles } from "../../bench/load/loaded-files.ts";
import { build } from "../../infra/constructs/bundle.ts";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";

const files = new Map(
  (Object.keys(functionEnv) as FunctionName[]).map((name) => [
    name,
    build(`functions/${name}/handler.ts`),
  ]),
);

/**
 * Kilobytes that a cold start of each function loads at most. `node bench/load.ts` prints what they
 * have, and decision 022 says what they consist of: raise one only for something that is worth it.
 */
const maxKilobytes: Record<FunctionName, number> = {
  ingest: 520,
  consume: 620,
  api: 845,
  operator: 910,
  submit: 730,
  deliver: 600,
  reconcile: 650,
};

test.each(Object.entries(maxKilobytes))("A cold start of %s loads at most %i KB", (name, most) => {
  expect(loadedBytes(files.get(name as FunctionName) ?? new Map()) / 1_000).toBeLessThan(most);
});

/** Words of the bundled libraries. */
const s3Client = "com.amazonaws.s3";
const otherCredentials = /sso-oidc|AssumeRoleWithWebIdentity|sso_start_url/;

test("No function loads the S3 client before it needs it, or has a source of credentials besides the environment", () => {
  for (const [name, bundled] of files) {
    const atStart = [...loadedFiles(bundled).values()].join("\n");
    const everything = [...bundled.values()].join("\n");
    expect({
      name,
      readsEnvironment: atStart.includes("AWS_SECRET_ACCESS_KEY"),
      hasS3: everything.includes(s3Client),
      loadsS3: atStart.includes(s3Client),
      hasOtherCredentials: otherCredentials.test(everything),
    }).toEqual({
      name,
      readsEnvironment: true,
      hasS3: true,
      loadsS3: false,
      hasOtherCredentials: false,
    });
  }
});
