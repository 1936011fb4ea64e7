"""The published Python clients (synap-sdk and redis-py) against the built server.

`make test-clients` builds the server, makes a virtual environment and runs this.
"""

import asyncio
import json
import os
import subprocess
import tempfile
import time
import unittest

import redis
from synap_sdk import SynapClient, SynapConfig
from synap_sdk.exceptions import SynapException

BINARY = os.environ["SYNAP_SERVER"]


class Server:
    """A server on free ports, stopped by its own id."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory()
        ports_file = os.path.join(self.dir.name, "ports.json")
        self.process = subprocess.Popen(
            [BINARY, "--host", "127.0.0.1", "--port", "0", "--resp-port", "0",
             "--ports-file", ports_file],
            cwd=self.dir.name, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not os.path.exists(ports_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not come up")
            time.sleep(0.01)
        with open(ports_file, encoding="utf-8") as f:
            ports = json.load(f)
        self.http, self.resp = ports["http"], ports["resp"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.dir.cleanup()


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()


class SynapSDK(WithServer):
    """The key-value module of the SDK, over HTTP and over RESP3."""

    def each_transport(self, test):
        for url in (f"http://127.0.0.1:{self.server.http}",
                    f"resp3://127.0.0.1:{self.server.resp}"):
            with self.subTest(url=url):
                async def go(url=url):
                    async with SynapClient(SynapConfig(url)) as client:
                        await test(client.kv)
                asyncio.run(go())

    def test_values_come_back_with_their_type(self):
        async def test(kv):
            for value in ("text", "naïve ✓", {"a": [1, None, True]}, 7, 1.5, [], ""):
                await kv.set("k", value)
                self.assertEqual(await kv.get("k"), value)
            self.assertIsNone(await kv.get("absent"))
        self.each_transport(test)

    def test_exists_and_delete(self):
        async def test(kv):
            await kv.set("k", "v", ttl=60)
            self.assertTrue(await kv.exists("k"))
            await kv.delete("k")
            self.assertFalse(await kv.exists("k"))
        self.each_transport(test)

    def test_counters(self):
        async def test(kv):
            await kv.delete("n")
            self.assertEqual(await kv.incr("n"), 1)
            self.assertEqual(await kv.incr("n", 9), 10)
            self.assertEqual(await kv.decr("n", 3), 7)
            await kv.set("text", "abc")
            with self.assertRaises(SynapException):
                await kv.incr("text")
            self.assertEqual(await kv.decr("n"), 6)  # the connection lives on
        self.each_transport(test)

    def test_scan_by_prefix(self):
        async def test(kv):
            for i in range(20):
                await kv.set(f"scan:{i:02}", str(i))
            keys = await kv.scan("scan:", limit=5)
            self.assertEqual(len(keys), 5)
            self.assertTrue(all(k.startswith("scan:") for k in keys))
        self.each_transport(test)

    def test_stats(self):
        async def test(kv):
            await kv.set("k", "v")
            self.assertGreaterEqual((await kv.stats())["total_keys"], 1)
        self.each_transport(test)


class SynapSDKQueues(WithServer):
    """The queue module of the SDK, over HTTP and over RESP3.

    It has no purge. Over RESP3 it reads neither statistics, which come as a flat list there, nor
    payloads that are not UTF-8.
    """

    def each_transport(self, test):
        for name, url in (("http", f"http://127.0.0.1:{self.server.http}"),
                          ("resp3", f"resp3://127.0.0.1:{self.server.resp}")):
            with self.subTest(url=url):
                async def go(name=name, url=url):
                    async with SynapClient(SynapConfig(url)) as client:
                        queue = f"{self.id()}-{name}"
                        await client.queue.create_queue(queue, max_size=100, message_ttl=30)
                        await test(client.queue, queue, name)
                asyncio.run(go())

    def test_payloads_come_back(self):
        async def test(queues, q, transport):
            payloads = ["text", "naïve ✓", {"a": [1, None, True]}, [], 7]
            if transport == "http":
                payloads.append(b"\xff\x00\xfe")
            for payload in payloads:
                published = await queues.publish(q, payload, priority=5)
                m = await queues.consume(q, "worker")
                self.assertEqual((m.id, m.payload, m.priority), (published, payload, 5))
                self.assertEqual((m.retries, m.max_retries), (0, 3))
                await queues.ack(q, m.id)
            self.assertIsNone(await queues.consume(q, "worker"))
        self.each_transport(test)

    def test_priorities_and_nacks(self):
        async def test(queues, q, _):
            low = await queues.publish(q, "low", priority=1, max_retries=2)
            high = await queues.publish(q, "high", priority=9, max_retries=2)
            first = await queues.consume(q, "worker")
            self.assertEqual(first.id, high)
            await queues.nack(q, first.id)
            again = await queues.consume(q, "worker")
            self.assertEqual((again.id, again.retries), (high, 1))
            await queues.ack(q, again.id)
            with self.assertRaises(SynapException) as failure:
                await queues.ack(q, again.id)
            self.assertIn(f"Message not found: {high}", str(failure.exception))
            self.assertEqual((await queues.consume(q, "worker")).id, low)
        self.each_transport(test)

    def test_a_full_queue_refuses(self):
        async def test(queues, q, _):
            for i in range(100):
                await queues.publish(q, f"m{i}")
            with self.assertRaises(SynapException) as failure:
                await queues.publish(q, "one more")
            self.assertIn(f"Queue is full: {q}", str(failure.exception))
        self.each_transport(test)

    def test_stats_list_and_delete(self):
        async def test(queues, q, transport):
            await queues.publish(q, "m")
            self.assertIn(q, await queues.list())
            if transport == "http":
                self.assertEqual(await queues.stats(q), {
                    "depth": 1, "consumers": 0, "published": 1, "consumed": 0,
                    "acked": 0, "nacked": 0, "dead_lettered": 0})
            await queues.delete_queue(q)
            self.assertNotIn(q, await queues.list())
            self.assertIsNone(await queues.consume(q, "worker"))
            with self.assertRaises(SynapException) as failure:
                await queues.publish(q, "m")
            self.assertIn(f"Queue not found: {q}", str(failure.exception))
        self.each_transport(test)


class RedisPy(WithServer):
    def each_protocol(self, test):
        for protocol in (2, 3):
            with self.subTest(protocol=protocol):
                with redis.Redis(port=self.server.resp, protocol=protocol) as r:
                    r.flushall()
                    test(r)

    def test_pipeline_keeps_order(self):
        def test(r):
            pipe = r.pipeline(transaction=True)
            pipe.set("a", "1").incr("a").get("a").mget("a", "b")
            self.assertEqual(pipe.execute(), [True, 2, b"2", [b"2", None]])
        self.each_protocol(test)

    def test_binary_values(self):
        def test(r):
            blob = bytes(range(256)) * 300
            r.set(b"\x00\xff", blob)
            self.assertEqual(r.get(b"\x00\xff"), blob)
            self.assertEqual(r.getrange(b"\x00\xff", 1, 3), b"\x01\x02\x03")
        self.each_protocol(test)

    def test_scan_iter(self):
        def test(r):
            r.mset({f"k:{i}": i for i in range(1000)})
            self.assertEqual(len(set(r.scan_iter("k:*", count=50))), 1000)
        self.each_protocol(test)

    def test_expiry(self):
        def test(r):
            r.set("k", "v", px=100_000)
            self.assertTrue(90_000 < r.pttl("k") <= 100_000)
            self.assertTrue(r.persist("k"))
            self.assertEqual(r.ttl("k"), -1)
            self.assertEqual(r.ttl("absent"), -2)
        self.each_protocol(test)

    def test_server_commands(self):
        def test(r):
            self.assertIn("redis_version", r.info())
            self.assertEqual(r.client_getname(), None)
            self.assertTrue(r.client_setname("me"))
            self.assertIn("maxmemory", r.config_get("maxmemory"))
            with self.assertRaises(redis.ResponseError):
                r.execute_command("NO.SUCH")
            self.assertTrue(r.ping())
        self.each_protocol(test)


if __name__ == "__main__":
    unittest.main()
