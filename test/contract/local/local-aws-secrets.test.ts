import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { expect, test } from "vitest";
import { clientsOf, running, templateOf, temporaryDirectory } from "./local-aws-fixture.ts";

const template = templateOf({
  Master: {
    Type: "AWS::SecretsManager::Secret",
    Properties: {
      GenerateSecretString: {
        SecretStringTemplate: '{"current":"1"}',
        GenerateStringKey: "key",
        PasswordLength: 64,
        ExcludePunctuation: true,
      },
    },
  },
});
const arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:Master";

test("A secret of the template is generated once and found by name and by ARN", async () => {
  const dataDir = temporaryDirectory();
  const read = async (SecretId: string) => {
    const { aws, close } = await running(template, { dataDir });
    const { secrets } = clientsOf(aws.url);
    const { SecretString, ARN } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    await close();
    return { value: SecretString ?? "", ARN };
  };
  const first = await read("Master");
  expect(JSON.parse(first.value)).toEqual({
    current: "1",
    key: expect.stringMatching(/^[A-Za-z0-9]{64}$/),
  });
  expect(first.ARN).toBe(arn);
  expect(await read(arn)).toEqual(first);
});

test("A new value of a secret becomes AWSCURRENT and the old value AWSPREVIOUS", async () => {
  const { aws } = await running(template);
  const { secrets } = clientsOf(aws.url);
  await secrets.send(new CreateSecretCommand({ Name: "mine", SecretString: "one" }));
  const { VersionId } = await secrets.send(
    new PutSecretValueCommand({ SecretId: "mine", SecretString: "two" }),
  );
  const get = async (more = {}) =>
    (await secrets.send(new GetSecretValueCommand({ SecretId: "mine", ...more }))).SecretString;
  expect(await get()).toBe("two");
  expect(await get({ VersionId })).toBe("two");
  expect(await get({ VersionStage: "AWSPREVIOUS" })).toBe("one");
  const { VersionIdsToStages } = await secrets.send(
    new DescribeSecretCommand({ SecretId: "mine" }),
  );
  expect(VersionIdsToStages?.[VersionId ?? ""]).toEqual(["AWSCURRENT"]);
  const { SecretList } = await secrets.send(new ListSecretsCommand({}));
  expect(SecretList?.map((secret) => secret.Name)).toEqual(["Master", "mine"]);
});

test("A missing secret is not found, and an existing one cannot be created again", async () => {
  const { aws } = await running(template);
  const { secrets } = clientsOf(aws.url);
  const get = secrets.send(new GetSecretValueCommand({ SecretId: "none" }));
  await expect(get).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  const create = secrets.send(new CreateSecretCommand({ Name: "Master", SecretString: "x" }));
  await expect(create).rejects.toMatchObject({ name: "ResourceExistsException" });
});
