import { Failure } from "../../contracts/failures.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { makeLoadS3 } from "./load-s3.ts";

/** Blobs are objects of a bucket. */
export function makeS3BlobStore(options: { bucket: string; config: object }): BlobStore {
  const { bucket: Bucket } = options;
  const load = makeLoadS3(options.config);

  /**
   * S3 answers 403 for a key that does not exist unless the caller may list the bucket, and a
   * grant to list one prefix may not count for that. Only a list says whether the key exists.
   *
   * @throws the SDK's error when the caller may not list this key either
   */
  async function exists(key: string): Promise<boolean> {
    const { s3, client } = await load();
    // Keys are listed in order, so that the key itself is the first with this prefix.
    const command = new s3.ListObjectsV2Command({ Bucket, Prefix: key, MaxKeys: 1 });
    const { Contents = [] } = await client.send(command);
    return Contents[0]?.Key === key;
  }

  return {
    async put(Key, Body, abortSignal) {
      await callDependency("S3 PutObject", async () => {
        const { s3, client } = await load();
        const options = abortSignal ? { abortSignal } : {};
        await client.send(new s3.PutObjectCommand({ Bucket, Key, Body }), options);
      });
    },
    async get(Key) {
      const found = await callDependency("S3 GetObject", async () => {
        const { s3, client } = await load();
        try {
          const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
          return await Body?.transformToByteArray();
        } catch (error) {
          if (error instanceof s3.NoSuchKey) return undefined;
          if (!isDenied(error) || (await exists(Key))) throw error;
          return undefined;
        }
      });
      if (found) return found;
      throw new Failure("BODY_GONE", "the bucket has no such object");
    },
  };
}

function isDenied(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode === 403;
}
