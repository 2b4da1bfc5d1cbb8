-- The health of wanctl's custom resources in Argo CD: of WanProject and StudioAccount, and of each document.
-- In argocd-cm: resource.customizations.health.wanctl.dev_WanProject (and the other kinds) with this text.
local function condition(wanted)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, one in ipairs(obj.status.conditions) do
      if one.type == wanted then
        return one
      end
    end
  end
  return nil
end

local function holds(wanted)
  local one = condition(wanted)
  return one ~= nil and one.status == "True"
end

local hs = {}
local ready = condition("Ready")
if obj.spec ~= nil and obj.spec.suspend == true then
  hs.status = "Suspended"
  hs.message = "it is suspended by its spec"
  return hs
end
if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "the operator has not looked at it yet"
  return hs
end
hs.message = ready.message
if holds("Stalled") then
  hs.status = "Degraded"
elseif holds("Ready") then
  hs.status = "Healthy"
elseif holds("Reconciling") then
  hs.status = "Progressing"
else
  hs.status = "Suspended" -- it waits for a person, or for a window
end
return hs
