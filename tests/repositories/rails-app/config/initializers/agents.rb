# Crawlers of models are asked to go elsewhere.
BLOCKED_AGENTS = %w[GPTBot ClaudeBot Bytespider].freeze
Rails.application.config.x.press = "o1"
