import { NoSuchKey } from "@aws-sdk/client-s3";

/** A bucket of S3. */
export function makeBucket() {
  const objects = new Map<string, Uint8Array>();
  return {
    operations: {
      PutObjectCommand({ Key, Body }: { Key: string; Body: Uint8Array | string }) {
        objects.set(Key, Buffer.from(Body as Uint8Array));
        return {};
      },
      GetObjectCommand({ Key }: { Key: string }) {
        const found = objects.get(Key);
        if (!found) throw new NoSuchKey({ message: Key, $metadata: { httpStatusCode: 404 } });
        return { Body: { transformToByteArray: async () => found } };
      },
      ListObjectsV2Command: ({ Prefix }: { Prefix: string }) => ({
        Contents: [...objects.keys()]
          .filter((key) => key.startsWith(Prefix))
          .sort()
          .map((Key) => ({ Key })),
      }),
    },
  };
}

/** One secret of Secrets Manager. */
export const makeSecret = (text: string) => ({
  operations: { GetSecretValueCommand: () => ({ SecretString: text }) },
});
