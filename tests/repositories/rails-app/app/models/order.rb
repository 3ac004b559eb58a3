class Order < ApplicationRecord
  scope :after, ->(cursor) { where("id > ?", cursor) }
  SIZES = { "o1" => 1, "o3" => 3 }.freeze
end
