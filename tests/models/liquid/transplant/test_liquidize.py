from __future__ import annotations

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    GemmaConfig,
    GemmaForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PhiConfig,
    PhiForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from cauce.errors import UserError
from cauce.models.adapters import attach, transplant
from cauce.models.generation import generate, stream
from cauce.models.liquid.transplant import (
    added_parts,
    control_of,
    liquidize,
    register,
    replaced_blocks,
)
from cauce.models.liquid.transplant.preserve import REACH
from cauce.models.liquid.transplant.sites import find_sites
from cauce.models.prediction import refuse_unpackable
from cauce.models.recurrence import Recurrent
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from cauce.records import Message
from models.tiny import DECODERS, tiny_decoder, tiny_t5

IDS = torch.tensor([[5, 6, 7, 8, 9, 10, 11], [20, 21, 22, 23, 24, 25, 26]])

PRESERVE = LiquidSettings(init="preserve")

TRANSPLANTS = {
    "cfc": LiquidSettings(backbone_units=8),
    "cfc ncp": LiquidSettings(wiring="ncp", units=24),
    "ltc": LiquidSettings(cell="ltc", units=8),
    "ltc ncp": LiquidSettings(cell="ltc", wiring="ncp", units=24),
    "lrc": LiquidSettings(cell="lrc"),
    "mixed": LiquidSettings(backbone_units=8, mixed_memory=True),
    "preserve": PRESERVE,
    "beside": LiquidSettings(backbone_units=8, keep_mlp=True),
    "control": LiquidSettings(cell="mlp", units=8),
}


def lively(kind):
    """A tiny decoder whose words depend on its MLPs, which fresh ones hardly do."""
    loaded = tiny_decoder(kind)
    with torch.no_grad():
        for name, weight in loaded.model.named_parameters():
            if weight.dim() == 2 and "emb" not in name and "wte" not in name:
                weight.mul_(8)
    return loaded


def transplanted(kind, settings):
    return transplant(lively(kind), settings, seed=1)


def randomised_gates(model):
    """Gates that are open, so that what stands behind them shows."""
    for part in added_parts(model).values():
        if hasattr(part, "gate"):
            torch.nn.init.ones_(part.gate)


@pytest.mark.parametrize("kind", DECODERS)
def test_preserving_leaves_the_logits_where_they_were(kind):
    loaded = lively(kind)
    with torch.no_grad():
        before = loaded.model(IDS).logits
        without = lively(kind)
        for site in find_sites(without.bare):
            site.replace(torch.nn.Sequential())
        after = transplant(loaded, PRESERVE, seed=0).model(IDS).logits
        matters = (without.model(IDS).logits - before).abs().max()
    assert matters > 0.1
    assert (after - before).abs().max() < 2e-3 * matters


def test_the_recurrence_of_a_preserving_layer_starts_at_nothing_and_has_a_gradient():
    loaded = transplanted("gpt2", LiquidSettings(init="preserve"))
    loaded.model(IDS, labels=IDS).loss.backward()
    for block in replaced_blocks(loaded.bare).values():
        assert block.liquid.recurrent_weight.abs().max() == 0
        assert block.liquid.recurrent_weight.grad.abs().max() > 0


def test_what_is_lost_in_preserving_is_what_tanh_bends():
    """The block is r tanh(MLP / r), here on inputs so large that it shows."""
    [site, _] = find_sites(tiny_decoder("llama").bare)
    x = 3e4 * torch.randn(2, 5, 32).double()
    outputs = site.mlp.double()(x)
    assert outputs.abs().max() > REACH
    liquid = transplant(tiny_decoder("llama"), PRESERVE, seed=0)
    block = replaced_blocks(liquid.bare)[0].double()
    torch.testing.assert_close(block(x), REACH * torch.tanh(outputs / REACH))


def test_channels_with_huge_outputs_are_preserved_too():
    """As in large models, where some outputs are hundreds of times the others."""
    loaded = lively("gpt2")
    with torch.no_grad():
        for block in loaded.bare.transformer.h:
            block.mlp.c_proj.weight[:, 3] *= 300
        before = loaded.model(IDS).logits
        after = transplant(loaded, PRESERVE, seed=0).model(IDS).logits
    assert (after - before).abs().max() < 5e-3 * before.abs().max()


def test_updates_do_to_a_preserving_layer_what_they_do_to_the_mlp():
    """With the reach in the weights the first update of AdamW threw the model far off."""

    def losses(loaded):
        optimizer = torch.optim.AdamW(loaded.model.parameters(), lr=2e-3)
        found = []
        for _ in range(6):
            loss = loaded.model(IDS, labels=IDS).loss
            found.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return found

    mlp, liquid = losses(lively("llama")), losses(transplant(lively("llama"), PRESERVE, seed=0))
    assert mlp[-1] < mlp[0]
    assert liquid == pytest.approx(mlp, rel=0.05)


@pytest.mark.parametrize("name", TRANSPLANTS)
@pytest.mark.parametrize("kind", DECODERS)
def test_a_transplanted_model_is_saved_and_loaded_by_the_auto_class(kind, name, tmp_path):
    loaded = transplanted(kind, TRANSPLANTS[name])
    randomised_gates(loaded.bare)
    loaded.model.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert type(again).__name__ == "Liquid" + type(tiny_decoder(kind).model).__name__
    assert again.config.liquid == TRANSPLANTS[name].model_dump(mode="json")
    with torch.no_grad():
        assert torch.equal(again(IDS).logits, loaded.model(IDS).logits)


@pytest.mark.parametrize("name", TRANSPLANTS)
@pytest.mark.parametrize("kind", DECODERS)
def test_logits_with_the_cache_are_those_without(kind, name):
    loaded = transplanted(kind, TRANSPLANTS[name])
    randomised_gates(loaded.bare)
    with torch.no_grad():
        whole = loaded.model(IDS, use_cache=False).logits
        first = loaded.model(IDS[:, :3], use_cache=True)
        rest, cache = [first.logits], first.past_key_values
        for place in range(3, IDS.shape[1]):
            output = loaded.model(IDS[:, place : place + 1], past_key_values=cache, use_cache=True)
            rest.append(output.logits)
            cache = output.past_key_values
    torch.testing.assert_close(torch.cat(rest, 1), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TRANSPLANTS)
@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("beams", [1, 3])
def test_generation_with_the_cache_is_that_without_also_left_padded(kind, name, beams):
    loaded = transplanted(kind, TRANSPLANTS[name])
    randomised_gates(loaded.bare)
    mask = torch.ones_like(IDS)
    mask[0, :3] = 0
    options = {"max_new_tokens": 8, "num_beams": beams, "do_sample": False, "pad_token_id": 0}
    cached, uncached = (
        loaded.model.generate(IDS, attention_mask=mask, use_cache=use_cache, **options)
        for use_cache in (True, False)
    )
    alone = loaded.model.generate(IDS[:1, 3:], attention_mask=mask[:1, 3:], **options)
    assert torch.equal(cached, uncached)
    assert torch.equal(cached[0, 3 : 3 + alone.shape[1]], alone[0])


def test_left_padding_would_change_the_words_if_the_state_ran_through_it():
    loaded = transplanted("gpt2", LiquidSettings(wiring="ncp", units=24))
    mask = torch.ones_like(IDS)
    mask[0, :3] = 0
    places = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.no_grad():
        held = loaded.model(IDS, attention_mask=mask, position_ids=places).logits
        for block in replaced_blocks(loaded.bare).values():
            block.register_forward_pre_hook(lambda part, _: setattr(part, "padding", None))
        run_through = loaded.model(IDS, attention_mask=mask, position_ids=places).logits
    assert (held - run_through)[0, -1].abs().max() > 1e-3
    assert torch.equal(held[1], run_through[1])


def test_nothing_of_a_batch_stays_where_no_backward_pass_will_follow():
    loaded = transplanted("llama", LiquidSettings(backbone_units=8))
    [block, _] = replaced_blocks(loaded.bare).values()
    mask = torch.ones_like(IDS)
    loaded.model(IDS, attention_mask=mask)
    assert block.padding is not None
    assert block.states is None
    with torch.no_grad():
        loaded.model(IDS, attention_mask=mask)
    assert block.padding is None


def test_beams_go_on_from_the_states_of_the_rows_they_come_from():
    loaded = transplanted("gpt2", LiquidSettings(backbone_units=8))
    cache = loaded.model(IDS, use_cache=True).past_key_values
    states = dict(cache.layers[-1].states)
    cache.reorder_cache(torch.tensor([1, 1]))
    for number, state in cache.layers[-1].states.items():
        assert torch.equal(state, states[number][[1, 1]])
    cache.batch_repeat_interleave(2)
    assert all(len(state) == 4 for state in cache.layers[-1].states.values())
    cache.batch_select_indices(torch.tensor([0]))
    assert all(len(state) == 1 for state in cache.layers[-1].states.values())
    with pytest.raises(ValueError, match="2 tokens cannot be taken back from a recurrent state"):
        cache.layers[-1].crop(2)
    assert not cache.is_croppable
    cache.reset()
    assert cache.layers[-1].states == {}


def test_a_cache_that_grows_by_itself_takes_the_states_too():
    from transformers import DynamicCache

    loaded = transplanted("llama", LiquidSettings(backbone_units=8))
    cache = DynamicCache()
    with torch.no_grad():
        loaded.model(IDS[:, :4], past_key_values=cache, use_cache=True)
        found = loaded.model(IDS[:, 4:], past_key_values=cache, use_cache=True).logits
        wanted = loaded.model(IDS, use_cache=False).logits[:, 4:]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_answers_and_streams_of_cauce_are_the_same():
    loaded = transplanted("mistral", LiquidSettings(backbone_units=8))
    prompts = [[Message(role="user", content=text)] for text in ("¿Para qué se utiliza?", "dose")]
    answers = generate(loaded, prompts, max_new_tokens=6, batch_size=2)
    streamed = ["".join(stream(loaded, prompt, max_new_tokens=6)).strip() for prompt in prompts]
    assert [answer.text for answer in answers] == streamed


@pytest.mark.parametrize("name", TRANSPLANTS)
@pytest.mark.parametrize("kind", DECODERS)
def test_documents_can_be_packed(kind, name):
    loaded = transplanted(kind, TRANSPLANTS[name])
    randomised_gates(loaded.bare)
    refuse_unpackable(loaded, 64)


def test_gradient_checkpointing_gives_the_same_gradients():
    loaded = transplanted("llama", LiquidSettings(backbone_units=8))
    model = loaded.model.train()
    mask = torch.ones_like(IDS)
    mask[1, :2] = 0

    def gradients():
        model.zero_grad()
        model(IDS, attention_mask=mask, labels=IDS).loss.backward()
        return [weight.grad.clone() for weight in model.parameters()]

    wanted = gradients()
    model.activation_checkpointing_enable({"use_reentrant": False})
    torch.testing.assert_close(gradients(), wanted)


@pytest.mark.parametrize("name", ["cfc", "ltc ncp", "beside"])
@pytest.mark.parametrize("kind", DECODERS)
def test_lora_trains_the_rest_and_is_saved_with_the_new_layers(kind, name, tmp_path):
    base = tiny_decoder(kind)
    base.model.save_pretrained(tmp_path / "base")
    base.tokenizer.save_pretrained(tmp_path / "base")
    settings = ModelSettings(base=str(tmp_path / "base"), adapter="lora", liquid=TRANSPLANTS[name])
    loaded = transplant(load_base(settings), TRANSPLANTS[name], seed=0)
    tuned = attach(loaded, settings, seed=0)
    trained = [weight for weight in tuned.model.parameters() if weight.requires_grad]
    names = [name for name, weight in tuned.model.named_parameters() if weight.requires_grad]
    assert any("lora_" in name for name in names)
    assert not any("lora_" in name and "liquid" in name for name in names)
    optimizer = torch.optim.SGD(trained, lr=0.5)
    for _ in range(2):
        tuned.model(IDS, labels=IDS).loss.backward()
        assert all(weight.grad is not None for weight in trained)
        optimizer.step()
        optimizer.zero_grad()
    save_tuned(tuned, tmp_path / "tuned")
    with torch.no_grad():
        wanted = tuned.model.eval()(IDS).logits
        again = load_tuned(tmp_path / "tuned").model(IDS).logits
        merged = load_base(ModelSettings(base=str(tmp_path / "tuned"))).model(IDS).logits
    assert torch.equal(again, wanted)
    torch.testing.assert_close(merged, wanted, rtol=1e-4, atol=1e-5)


def test_a_whole_transplant_is_tuned_saved_and_loaded(tmp_path):
    loaded = transplanted("gpt2", LiquidSettings(cell="ltc", units=8, layers=(1,)))
    save_tuned(loaded, tmp_path / "model")
    again = load_tuned(tmp_path / "model")
    with torch.no_grad():
        assert torch.equal(again.model(IDS).logits, loaded.model(IDS).logits)
    assert list(replaced_blocks(again.bare)) == [1]


OTHERS = {
    "opt": lambda: OPTForCausalLM(
        OPTConfig(
            vocab_size=64,
            hidden_size=32,
            ffn_dim=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            word_embed_proj_dim=32,
        )
    ),
    **{
        name: lambda model=model, config=config, options=options: model(
            config(
                vocab_size=64,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                **options,
            )
        )
        for name, model, config, options in (
            ("gpt-neox", GPTNeoXForCausalLM, GPTNeoXConfig, {"intermediate_size": 64}),
            ("falcon", FalconForCausalLM, FalconConfig, {}),
            ("phi", PhiForCausalLM, PhiConfig, {"intermediate_size": 64}),
            (
                "qwen3",
                Qwen3ForCausalLM,
                Qwen3Config,
                {"intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8},
            ),
            (
                "gemma",
                GemmaForCausalLM,
                GemmaConfig,
                {"intermediate_size": 64, "num_key_value_heads": 1, "head_dim": 8},
            ),
        )
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_decoders_of_transformers_are_transplanted_too(name, tmp_path):
    torch.manual_seed(0)
    model = OTHERS[name]().eval()
    ids = IDS % 60
    with torch.no_grad():
        before = model(ids).logits
        liquidize(model, init="preserve")
        torch.testing.assert_close(model(ids).logits, before, rtol=1e-3, atol=1e-4)
        options = {"max_new_tokens": 5, "do_sample": False, "pad_token_id": 0}
        cached, uncached = (
            model.generate(ids, use_cache=use_cache, **options) for use_cache in (True, False)
        )
        assert torch.equal(cached, uncached)
        model.save_pretrained(tmp_path)
        register(model.config.model_type)
        again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
        assert torch.equal(again(ids).logits, model(ids).logits)


def test_the_control_has_as_many_weights():
    for settings in (LiquidSettings(backbone_units=16), LiquidSettings(cell="ltc")):
        liquid = transplanted("gpt2", settings)
        control = transplanted("gpt2", control_of(tiny_decoder("gpt2").bare, settings))
        counts = [
            sum(weight.numel() for weight in loaded.model.parameters())
            for loaded in (liquid, control)
        ]
        assert abs(counts[0] - counts[1]) <= 2 * (2 * 32 + 1)


def test_only_the_named_layers_are_replaced():
    loaded = transplanted("llama", LiquidSettings(backbone_units=8, layers=(1,)))
    assert list(replaced_blocks(loaded.bare)) == [1]
    assert sum(isinstance(part, Recurrent) for part in loaded.bare.modules()) == 1
    with pytest.raises(UserError, match=r"layers names 7; LlamaForCausalLM has the layers 0 to 1"):
        transplanted("llama", LiquidSettings(layers=(7,)))


def test_dropout_of_the_mlp_is_kept():
    loaded = transplant(tiny_decoder("gpt2", dropout=0.5), LiquidSettings(), seed=0)
    assert all(block.drop == 0.5 for block in replaced_blocks(loaded.bare).values())


def test_models_that_cannot_be_transplanted_are_refused():
    with pytest.raises(UserError, match="encoder-decoder; liquid layers replace the MLPs of"):
        liquidize(tiny_t5().bare)
    with pytest.raises(UserError, match="has liquid layers already"):
        liquidize(transplanted("gpt2", LiquidSettings()).bare)
    phi3 = Phi3ForCausalLM(
        Phi3Config(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            pad_token_id=0,
        )
    )
    with pytest.raises(UserError, match="layer 0 of Phi3ForCausalLM has no MLP of a known shape"):
        liquidize(phi3)


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lrc", "wiring": "ncp"},
        {"init": "preserve", "cell": "ltc"},
        {"init": "preserve", "wiring": "ncp"},
        {"init": "preserve", "units": 8},
        {"init": "preserve", "keep_mlp": True},
        {"init": "preserve", "mixed_memory": True},
    ],
)
def test_contradictions_in_the_settings_are_refused(options):
    with pytest.raises(ValueError, match=r"init is preserve|wiring is ncp"):
        LiquidSettings(**options)


def test_four_bits_and_a_transplant_are_refused():
    with pytest.raises(ValueError, match="quantize is 4bit and liquid replaces layers"):
        ModelSettings(adapter="lora", quantize="4bit", liquid=LiquidSettings())
