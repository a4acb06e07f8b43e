import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { makeS3BlobStore } from "../../../shared/adapters/s3/s3-blob-store.ts";
import { makeS3Quarantine } from "../../../shared/adapters/s3/s3-quarantine.ts";
import { quarantineKey } from "../../../shared/core/inbound/quarantine-key.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { running, templateOf } from "../local/local-aws-fixture.ts";

const bucket = "bodies";
const body = Buffer.from('{"id":"ü"}');
const { signal } = new AbortController();
const receivedAtMs = makeTestClock().businessMs();

async function setUp() {
  const { aws } = await running(
    templateOf({ Bodies: { Type: "AWS::S3::Bucket", Properties: { BucketName: bucket } } }),
  );
  const config = localAws(aws.url);
  return { config, quarantine: makeS3Quarantine({ bucket, config }) };
}

test("A webhook in quarantine is read with its body and its headers, and is gone once it is removed", async () => {
  const { config, quarantine } = await setUp();
  const headers = { "x-signature": "t=1, v1=0a", "x-signed-at": "1700000000" };
  const webhook = { connectionId: "cn_1", body, headers, receivedAtMs };
  await quarantine.put(webhook, signal);
  await quarantine.put({ ...webhook, connectionId: "cn_2", headers: {} }, signal);
  const [key = "", ...others] = await Array.fromAsync(quarantine.keys("cn_1"));
  expect([key, ...others]).toEqual([quarantineKey(webhook)]);
  const found = await quarantine.get(key);
  expect(found?.headers).toEqual(headers);
  expect(Buffer.from(found?.body ?? []).equals(body)).toBe(true);
  // The version before reads the object as it wrote its own: as the body alone.
  const asBefore = await makeS3BlobStore({ bucket, config }).get(key);
  expect(Buffer.from(asBefore).equals(body)).toBe(true);
  await quarantine.remove(key);
  expect(await quarantine.get(key)).toBeUndefined();
});

test("A webhook that the version before has put into quarantine has no headers", async () => {
  const { config, quarantine } = await setUp();
  const s3 = new S3Client(config);
  const Key = quarantineKey({ connectionId: "cn_1", body, receivedAtMs });
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body }));
  expect(await quarantine.get(Key)).toMatchObject({ headers: {} });
  s3.destroy();
});
