// Sends logs by the official Elasticsearch client: elastic.js PORT TOKEN. Fails where an answer is not as expected.
'use strict';
const assert = require('node:assert');
const { Client } = require('@elastic/elasticsearch');

async function main(port, token) {
  const node = `http://127.0.0.1:${port}`;
  const client = new Client({ node, auth: { apiKey: token }, compression: true, maxRetries: 0 });
  assert.match((await client.info()).version.number, /^8\./);
  assert.strictEqual((await client.license.get()).license.status, 'active');
  assert.strictEqual(await client.indices.existsIndexTemplate({ name: 'logs' }), true);
  assert.strictEqual((await client.indices.putIndexTemplate({ name: 'logs', index_patterns: ['logs-*'] })).acknowledged, true);
  assert.strictEqual((await client.cluster.health()).status, 'green');

  const bulk = await client.bulk({
    operations: [
      { create: { _index: 'logs-a', _id: 'one' } }, { message: 'first', n: 1 },
      { delete: { _index: 'logs-a', _id: 'one' } },
      { index: { _index: 'logs-a' } }, { message: 'second' },
    ],
  });
  assert.strictEqual(bulk.errors, true);
  assert.deepStrictEqual(bulk.items.map((item) => Object.values(item)[0].status), [201, 400, 201]);

  const documents = Array.from({ length: 500 }, (_, n) => ({ message: `helper ${n}` }));
  const done = await client.helpers.bulk({
    datasource: documents,
    onDocument: () => ({ create: { _index: 'logs-b' } }),
    flushBytes: 5000,
    refreshOnCompletion: true,
  });
  assert.strictEqual(done.successful, 500);
  assert.strictEqual(done.failed, 0);

  const basic = new Client({ node, auth: { username: 'elastic', password: token }, maxRetries: 0 });
  assert.strictEqual((await basic.index({ index: 'logs-c', document: { message: 'alone' } })).result, 'created');
  const wrong = new Client({ node, auth: { apiKey: 'wrong' }, maxRetries: 0 });
  await assert.rejects(wrong.index({ index: 'logs-c', document: {} }), (error) => error.statusCode === 401);
}
main(...process.argv.slice(2)).then(() => console.log('done'), (error) => { console.error(error); process.exit(1); });
