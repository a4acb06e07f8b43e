import { Alert, Button, EmptyState, Group, Skeleton, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiProblem } from "../api/call.ts";

interface Looked<Data> {
  data: Data | undefined;
  error: Error | null;
  isFetching: boolean;
  refetch(): unknown;
}

/**
 * What is shown of a query: a skeleton while the first answer is awaited, an alert that says what
 * to do, or the data, with a line above it while newer data cannot be had.
 */
export function Loaded<Data>({
  of,
  children,
}: {
  of: Looked<Data>;
  children: (data: Data) => ReactNode;
}) {
  const { data, error } = of;
  if (data === undefined) return error === null ? <Loading /> : <Failed of={of} error={error} />;
  return (
    <>
      {error !== null && <Failed of={of} error={error} isStale />}
      {children(data)}
    </>
  );
}

function Loading() {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {[1, 2, 3].map((line) => (
        <Skeleton key={line} height={36} />
      ))}
    </Stack>
  );
}

function Failed({
  of,
  error,
  isStale = false,
}: {
  of: Looked<unknown>;
  error: Error;
  isStale?: boolean;
}) {
  return (
    <Alert
      color={isStale ? "orange" : "red"}
      title={isStale ? "What is shown may be out of date" : "This could not be loaded"}
      mb="md"
      role="alert"
    >
      <Group justify="space-between" gap="sm">
        <Text size="sm">
          {error.message} {adviceFor(error)}
        </Text>
        <Button size="xs" variant="default" loading={of.isFetching} onClick={() => of.refetch()}>
          Try again
        </Button>
      </Group>
    </Alert>
  );
}

function adviceFor(error: Error): string {
  if (!(error instanceof ApiProblem)) return "";
  if (error.status === 403) return "Sign in with a key of a wider scope.";
  if (error.status === 404)
    return "It may be older than its retention, or belong to another stack.";
  if (error.status === 429) return "It is tried again by itself, less often.";
  if (error.status >= 500) return "It is tried again by itself; see the runbook “api-errors”.";
  return "";
}

/** There is nothing, and what would make something. */
export function Nothing({ title, children }: { title: string; children?: ReactNode }) {
  return <EmptyState title={title} description={children} size="sm" py="lg" />;
}
