import { Alert, Button, Code, Container, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { localKey } from "./local.ts";
import { currentKey, signIn, useSession } from "./session.ts";

/**
 * Asks for an operator key. On the origin of a local run there is one to have, and it is taken
 * without asking, unless the reader has signed out.
 */
export function SignIn() {
  const { endedBecause } = useSession();
  const [key, setKey] = useState("");
  const [isLeaving] = useState(() => endedBecause !== undefined || wasSignedIn);
  const local = useQuery({
    queryKey: ["local key"],
    queryFn: localKey,
    retry: false,
    staleTime: 0,
  });
  useEffect(() => {
    document.title = "Sign in · Ackwire";
  }, []);
  useEffect(() => {
    if (local.data !== undefined && local.data !== null && !isLeaving) take(local.data);
  }, [local.data, isLeaving]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() !== "") take(key.trim());
  };
  // Nothing flashes while a local run is asked for its key.
  if (local.isPending || (local.data && !isLeaving)) return null;
  return (
    <Container size={460} py={80} component="main">
      <form onSubmit={submit}>
        <Stack>
          <Title order={1} size="h2">
            Ackwire console
          </Title>
          {endedBecause !== undefined && (
            <Alert color="orange" role="alert" title="You are signed out">
              {endedBecause}
            </Alert>
          )}
          <PasswordInput
            label="Operator key"
            description="It stays in this tab, and is forgotten when you close it."
            autoComplete="off"
            spellCheck={false}
            value={key}
            onChange={({ currentTarget }) => setKey(currentTarget.value)}
          />
          <Button type="submit" disabled={key.trim() === ""}>
            Sign in
          </Button>
          {local.data ? (
            <Button variant="default" onClick={() => local.data && take(local.data)}>
              Use the key of this local run
            </Button>
          ) : (
            <Text size="sm" c="dimmed">
              Who may create keys makes one with{" "}
              <Code>npm run admin -- operator-keys create --name NAME --scope operate</Code>
            </Text>
          )}
        </Stack>
      </form>
    </Container>
  );
}

/** Whether this page has had a key: then it was given up on purpose. */
let wasSignedIn = currentKey() !== undefined;

function take(key: string): void {
  wasSignedIn = true;
  signIn(key);
}
