from openai import OpenAI

client = OpenAI(base_url="https://gateway.acme.example/v1")
client.responses.create(model="gpt-5.3-codex", input="Hello")
