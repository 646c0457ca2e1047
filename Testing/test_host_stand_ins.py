"""The stand-ins offer nothing that the real application lacks, and take the same arguments."""

import inspect

import pytest
from host import api, signatures

OBJECTS = {
    "qSlicerApplication": "slicer.app",
    "LayoutManager": "slicer.app.layoutManager()",
    "SliceWidget": 'slicer.app.layoutManager().sliceWidget("Red")',
    "SliceView": "slicer.qMRMLSliceView",
    "CoreIOManager": "slicer.app.coreIOManager()",
    "ModuleManager": "slicer.app.moduleManager()",
    "LogicModule": "slicer.qSlicerLoadableModule",
}
OF_QT = {"paintEvent", "showEvent", "childEvent", "eventFilter", "sizeHint", "staticMetaObject"}


def _stand_ins():
    from host import application, io_manager, layout, modules, mrml_widgets, ui_loader

    found = dict(ui_loader.STAND_INS)
    for room in (application, io_manager, layout, modules, mrml_widgets):
        for name, kind in vars(room).items():
            if isinstance(kind, type) and kind.__module__ == room.__name__ and not name.startswith("_"):
                found[name] = kind
    found.pop("Named", None)
    return found


pytestmark = pytest.mark.usefixtures("slicer_members")


def test_stand_ins_offer_only_what_is_real(app):
    wrong = []
    for name, kind in _stand_ins().items():
        listed = OBJECTS.get(name) or next(
            (room + name for room in ("ctk.", "slicer.") if api.members(room + name) is not None), None
        )
        assert listed, f"{name} is no class of the real application"
        own = [member for base in kind.__mro__ if base.__module__.startswith("host.") for member in vars(base)]
        for member in own:
            if not member.startswith("_") and member not in OF_QT and not api.offers(listed, member):
                wrong.append(f"{listed} has no {member}")
    assert not wrong, "\n".join(wrong)


def test_functions_take_the_same_arguments(app):
    import slicer
    import slicer.packaging

    wrong = []
    rooms = [slicer.i18n, slicer.packaging, slicer.parameterNodeWrapper, slicer.ScriptedLoadableModule]
    for room, name in zip(rooms, ("i18n", "packaging", "parameterNodeWrapper", "ScriptedLoadableModule")):
        for key, value in vars(room).items():
            full = f"slicer.{name}.{key}"
            if isinstance(value, type) and value.__module__.startswith("host.") and api.signature(full):
                methods = [(f"{full}.{m}", f) for m, f in vars(value).items() if inspect.isfunction(f)]
            elif inspect.isfunction(value) and value.__module__.startswith("host.") and not key.startswith("_"):
                methods = [(full, value)]
            else:
                continue
            wrong += [f"{n}: {signatures.differs(n, f)}" for n, f in methods if signatures.differs(n, f)]
    assert not wrong, "\n".join(wrong)


def test_slicer_util_of_the_core_has_the_real_signatures(app):
    import slicer.util

    names = [name for name in api.content()["signatures"] if name.startswith("slicer.util.") and name.count(".") == 2]
    wrong = []
    for name in names:
        function = getattr(slicer.util, name.split(".")[2], None)
        if inspect.isfunction(function) and function.__module__ == "slicer.util" and signatures.differs(name, function):
            wrong.append(f"{name}: {signatures.differs(name, function)}")
    assert not wrong, "\n".join(wrong)
