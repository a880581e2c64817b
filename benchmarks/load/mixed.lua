-- For wrk: posts FOLDER/0.png, 1.png ... and, one in ten, one of FOLDER/bad-0, bad-1 ... or a wrong query; prints how
-- many answers of each status came, and how many of them ought to have been 200, as one line of JSON.
--   wrk -t1 -c32 -d60s -s mixed.lua http://127.0.0.1:8000 -- FOLDER COUNT BAD
local good, bad, sent, wrong = {}, {}, 0, 0
statuses = {}
local threads = {}

local function content(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  local headers = { ["Content-Type"] = "image/png" }
  for number = 0, tonumber(arguments[2]) - 1 do
    good[#good + 1] = wrk.format("POST", "/predict", headers, content(arguments[1] .. "/" .. number .. ".png"))
  end
  for number = 0, tonumber(arguments[3]) - 1 do
    bad[#bad + 1] = wrk.format("POST", "/predict", headers, content(arguments[1] .. "/bad-" .. number))
  end
  for _, path in ipairs({ "/predict?top=none", "/predict?explain=all", "/predict?model=none", "/nothing" }) do
    bad[#bad + 1] = wrk.format("POST", path, headers, content(arguments[1] .. "/0.png"))
  end
end

function request()
  sent = sent + 1
  if sent % 10 == 0 then
    wrong = wrong + 1
    return bad[wrong % #bad + 1]
  end
  return good[sent % #good + 1]
end

function response(status, _, _)
  local key = tostring(status)
  statuses[key] = (statuses[key] or 0) + 1
end

function done(summary, latency, _)
  local all, e = {}, summary.errors
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      all[status] = (all[status] or 0) + count
    end
  end
  local parts = {}
  for status, count in pairs(all) do
    parts[#parts + 1] = string.format('"%s": %d', status, count)
  end
  io.write(string.format('{"p99": %.3f, "broken": %d, "statuses": {%s}}\n', latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.timeout, table.concat(parts, ", ")))
end
