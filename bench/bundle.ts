/**
 * Compares what `wrangler deploy` would upload with the platform's limits: a table, then one JSON object as the last
 * line; the exit status is 1 where a limit is broken.
 *
 *     npm run bundle
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BundleFigures, excesses, platformLimits } from './platform-limits.ts';
import { startupMilliseconds } from './startup.ts';

const bundle = 'out/bundle';
const assets = join(import.meta.dirname, '..', 'models');

const figures = await bundleFigures();
console.log(table(figures));
const problems = excesses(figures);
for (const problem of problems) console.error(`refused: ${problem}`);
console.log(JSON.stringify(figures));
if (problems.length > 0) process.exitCode = 1;

async function bundleFigures(): Promise<BundleFigures> {
  const names = (await readdir(bundle)).filter((name) => /\.(js|wasm)$/.test(name));
  const modules = Buffer.concat(await Promise.all(names.map((name) => readFile(join(bundle, name)))));
  const files = await readdir(assets, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name))),
  );
  return {
    workerBytes: modules.length,
    compressedBytes: gzipSync(modules).length,
    startupMilliseconds: await startupMilliseconds(bundle),
    largestAssetBytes: Math.max(...sizes.map(({ size }) => size)),
    assetFiles: sizes.length,
  };
}

function table(figures: BundleFigures): string {
  const rows: [string, string, string][] = [
    ['modules', mebibytes(figures.workerBytes), mebibytes(platformLimits.workerBytes)],
    ['modules, compressed', mebibytes(figures.compressedBytes), mebibytes(platformLimits.compressedBytes)],
    ['start-up', `${figures.startupMilliseconds} ms`, `${platformLimits.startupMilliseconds} ms`],
    ['largest asset', mebibytes(figures.largestAssetBytes), mebibytes(platformLimits.assetBytes)],
    ['assets', String(figures.assetFiles), String(platformLimits.assetFiles)],
  ];
  return rows
    .map(([name, value, limit]) => `${name.padEnd(20)}${value.padStart(10)}   limit ${limit}`)
    .join('\n');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}
