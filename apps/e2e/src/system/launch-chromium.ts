import type {} from '@vendor-server/platform/testing/provided-context.ts';
import { type Browser, chromium } from 'playwright-core';
import { inject } from 'vitest';

export interface TestBrowser {
  /** For a suite's title: the name, and why the suite is skipped. */
  readonly title: string;
  readonly skipReason: string | null;
}

/**
 * The browser of this machine, for suites that need one:
 * `describe.skipIf(skipReason !== null)(title, …)`. With `REQUIRE_CHROMIUM=1` its absence is an error.
 */
export function testBrowser(): TestBrowser {
  const skipReason = inject('testServices').chromium === null ? 'no chromium on the PATH' : null;
  return {
    title: skipReason === null ? 'in Chromium' : `in Chromium (skipped: ${skipReason})`,
    skipReason,
  };
}

/** Starts it, headless; the caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const { chromium: executablePath } = inject('testServices');
  if (executablePath === null) throw new Error('There is no chromium on the PATH.');
  return chromium.launch({
    executablePath,
    // Its sandbox needs rights that root in a container does not have; it opens our own pages only.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
}
