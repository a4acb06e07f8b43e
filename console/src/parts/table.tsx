import { Button, Group, Table, Text } from "@mantine/core";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Loaded } from "./states.tsx";

export interface Column<Item> {
  title: string;
  cell: (item: Item) => ReactNode;
}

/** A table does not become narrower than so much for each column. */
const MIN_COLUMN_PX = 130;

/** Rows under their titles; on a phone it scrolls sideways. */
export function Rows<Item>({
  items,
  columns,
  keyOf,
  label,
}: {
  items: readonly Item[];
  columns: readonly Column<Item>[];
  keyOf: (item: Item) => string;
  label: string;
}) {
  return (
    <Table.ScrollContainer
      minWidth={columns.length * MIN_COLUMN_PX}
      type="native"
      // It scrolls on a phone, so the keyboard must reach it.
      tabIndex={0}
      role="group"
      aria-label={`${label}, scrolls sideways`}
    >
      <Table highlightOnHover aria-label={label} verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ title }) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={keyOf(item)}>
              {columns.map(({ title, cell }) => (
                <Table.Td key={title}>{cell(item)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface Page<Item> {
  items: Item[];
}

/** A filter may leave pages empty although there are more: so many are read before the reader is asked. */
const EMPTY_PAGES = 5;

/** A list that is read page by page. `empty` is shown when there is nothing at all. */
export function Pages<Item>({
  of,
  empty,
  ...table
}: {
  of: UseInfiniteQueryResult<{ pages: Page<Item>[] }, Error>;
  empty: ReactNode;
  columns: readonly Column<Item>[];
  keyOf: (item: Item) => string;
  label: string;
}) {
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage } = of;
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  const readPages = data?.pages.length ?? 0;
  const looksFurther = items.length === 0 && hasNextPage && readPages < EMPTY_PAGES;
  useEffect(() => {
    if (looksFurther && !isFetchingNextPage) void fetchNextPage();
  }, [looksFurther, isFetchingNextPage, fetchNextPage]);
  return (
    <Loaded of={of}>
      {() => (
        <>
          {items.length > 0 && <Rows items={items} {...table} />}
          {items.length === 0 && !hasNextPage && empty}
          <Group justify="space-between" mt="sm" mih={30}>
            <Text size="sm" c="dimmed" role="status">
              {summary(items.length, readPages, hasNextPage)}
            </Text>
            {hasNextPage && (
              <Button
                size="xs"
                variant="default"
                loading={isFetchingNextPage}
                onClick={() => fetchNextPage()}
              >
                {items.length === 0 ? "Look further back" : "Load older"}
              </Button>
            )}
          </Group>
        </>
      )}
    </Loaded>
  );
}

function summary(count: number, pages: number, hasMore: boolean): string {
  if (count === 0) return hasMore ? "Nothing matches among the newest." : "";
  if (pages > 1) return `${count} shown. The list stands still while older ones are shown.`;
  return hasMore ? `The newest ${count}.` : `All ${count}.`;
}
