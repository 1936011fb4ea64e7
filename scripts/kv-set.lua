-- wrk script: kv.set through the command envelope, a fresh key for most requests.
--   wrk -t12 -c400 -d30s -s scripts/kv-set.lua http://localhost:15500/api/v1/command
-- Keys cycle through KEYS (environment, default 100000) per thread; values are SIZE bytes (100).
-- Prints the number of replies that were not 200.

local keys = tonumber(os.getenv("KEYS") or "100000")
local value = string.rep("x", tonumber(os.getenv("SIZE") or "100"))
local head = '{"command":"kv.set","request_id":"wrk","payload":{"key":"wrk:'
local tail = '","value":"' .. value .. '"}}'
local threads = {}

function setup(thread)
   thread:set("id", #threads)
   table.insert(threads, thread)
end

function init(args)
   n = 0
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
end

function request()
   n = (n + 1) % keys
   return wrk.format(nil, nil, nil, head .. id .. ":" .. n .. tail)
end

function done(summary, latency, requests)
   io.write(string.format("non-2xx or failed: %d\n", summary.errors.status +
      summary.errors.connect + summary.errors.read + summary.errors.write +
      summary.errors.timeout))
   io.write(string.format("requests/s: %.0f\n", summary.requests / summary.duration * 1e6))
   io.write(string.format("p50 %.2f ms, p99 %.2f ms\n", latency:percentile(50) / 1000,
      latency:percentile(99) / 1000))
   io.write(string.format("requests: %d\n", summary.requests))
end
